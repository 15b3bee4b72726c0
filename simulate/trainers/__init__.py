"""Minimisers by kind of loss, each for a stack of designs of one size and an axis of lam.

A stack is an array with a leading axis of B members, which share nothing but their size: the stacked
matrix products and factorisations of torch keep a GPU busy where one small
member would not. Members that have converged leave the stack. What comes out for one of them depends
on the others through the order of summation alone, that is by rounding.
"""
