# Its working folder is gone, or has become something else.
# container: kept
import os
import shutil

shutil.rmtree("/tmp/work")
os.symlink("/etc", "/tmp/work")
