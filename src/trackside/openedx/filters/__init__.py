"""Filters of Open edX are filter points: what the platform asks its pipelines, receivers can answer.

discovery   the filters there are, their arguments and exceptions; names is not known here
known       what each sends and lets be changed, in parts; names: what names of fields say
parts       arguments: plain values, rows, querysets, forms, blocks, …; values: what may take whose place
stops       exceptions as answers ask for them; responses, headers, templates: what they may carry
telling     arguments as plain values
point       a filter as a point; following: all of them; step: what stands in the pipelines
"""
