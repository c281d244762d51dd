# frozen_string_literal: true

raise 'boom at load'
