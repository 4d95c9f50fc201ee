"""Who talked to whom?"""
