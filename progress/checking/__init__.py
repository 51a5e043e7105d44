"""Checking exercises: what a learner's program did is looked at, and judged, outside of it.

`evidence` gathers what can be known of a program: its output, its trace, its text, and values of expressions,
for which it is run again in the sandbox, followed by a driver. `comparing` judges that in plain data, in the
worker; `authored` lets the author's own Python judge, in a sandbox in which no learner's code is. `verdict`
puts it together. Why so: docs/decisions/0010-a-verdict-is-reached-outside.md.
"""
