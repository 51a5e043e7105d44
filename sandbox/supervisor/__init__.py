"""The program inside a container: a warm interpreter that forks once per run.

Started as a folder, ``python3 -I /opt/supervisor``. Standard library only, Python 3.11 or newer. The
platform imports of it what both ends share: the framing (`frames`), the records (`request`), and bounds.
"""
