"""Who is behind this interface or address?"""
