"""Events out of the log into one file, for analysts.

write        reads what is asked for and writes it, up to the end the log had at the beginning
selection    which events are asked for, page by page
form         what the file's name says of its format
formats      who writes which: json_lines, tracking_log, parquet
sink         where the bytes go
whole_file   a file that is there whole or not at all
"""
