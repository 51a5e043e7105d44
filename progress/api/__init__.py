"""The API's part of this app: running code, and learners' work. Thin: rules are the actions' business."""
