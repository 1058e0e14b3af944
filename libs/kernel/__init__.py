"""Pure ideas that several services need: money, local time, intervals, experiment arms, derived ids."""
