"""What Huitou's parts achieve, beside what others achieve at the same work in the same minutes."""
