# frozen_string_literal: true

puts 'loading'

def main = 'loaded'
