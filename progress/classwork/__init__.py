"""What instructors see of their classes: counted and timed here, shown by `progress/views/classwork.py`."""
