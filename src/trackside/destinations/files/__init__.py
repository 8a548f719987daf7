"""Files of events, one folder a day: JSON Lines or Parquet.

destination  open, send, checkpoint, close: what the delivery worker calls
parts        the files being written: which, how large, how old; what is known about them after a crash
part         one file, from its first line to the moment readers see it
layout       where files stand, and what they are called
formats      what a line is while a file is written, and what it is made into
"""

from trackside.destinations.files.destination import Files
from trackside.destinations.files.formats import missing_library
from trackside.destinations.files.settings import FilesSettings

__all__ = ["Files", "FilesSettings", "missing_library"]
