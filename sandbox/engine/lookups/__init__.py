"""Data sources of the AWS provider: what a program looks up instead of creating it.

- answerer.py          `answers` registers the function that answers for a data source
- table.py             data sources that are one call of AWS; derived.py answers for them
- data_sources.py      the others, one function each
- policy_documents.py  the document that aws.iam.get_policy_document writes
"""

# The import of a module registers its answerers.
from . import data_sources as data_sources
from . import derived as derived
from .answerer import answers, invoke, known_lookups

__all__ = ["answers", "invoke", "known_lookups"]
