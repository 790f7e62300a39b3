import numpy as np
def draw_forecast(*a): return np.full((100,200,3),255,np.uint8)
def draw_series(*a): return np.full((100,200,3),255,np.uint8)
