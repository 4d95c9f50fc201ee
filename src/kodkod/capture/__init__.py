"""How are packets recorded as asked?"""
