"""What the image adds to the code: how its process starts, and how it is asked whether it is ready."""
