"""Metrics of generated replies against the references of a data set; needs the `evals` extra.

None of them measures support: on ESConv they reward short, common replies. Report them, never optimise them.
"""
