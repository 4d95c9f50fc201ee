"""Who is behind this interface or address?"""

from kodkod.endpoints.endpoint import Endpoint
from kodkod.endpoints.index import Index

__all__ = ["Endpoint", "Index"]
