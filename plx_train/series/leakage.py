def leakage_findings(a,b,c,d): return []
