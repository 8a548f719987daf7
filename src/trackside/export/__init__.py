"""Events out of the log into one file, for analysts.

write        reads what is asked for and writes it, up to the end the log had at the beginning
selection    which events are asked for, page by page
person       which events are of a user
formats      what the file's name says of its format
json_lines, tracking_log, parquet    the formats
sink, whole_file    where the bytes go; a file is there whole or not at all
"""

from trackside.export.formats import Form, form_of, open_writer
from trackside.export.selection import Selection
from trackside.export.sink import Sink
from trackside.export.whole_file import whole_file
from trackside.export.write import Exported, write_events

__all__ = ["Exported", "Form", "Selection", "Sink", "form_of", "open_writer", "whole_file", "write_events"]
