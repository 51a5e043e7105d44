"""A hint at the cursor: the author's if there is one left, else a model's, else one from the code itself.

Hints climb a ladder: point at a line, ask a guiding question, name the concept, show an example of another
task.
`reading` sees where the cursor is, `own` says what the code alone tells, `asking` has a model say it.
"""
