# frozen_string_literal: true

def other = 'other'
