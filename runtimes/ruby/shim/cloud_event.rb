# frozen_string_literal: true

module TaibaiShim
  # The server has already parsed the mode of a CloudEvent: the shim gets attributes in headers, and data.
  module CloudEvent
    # Nil: the call is not an event.
    def self.of(http, input, body)
      headers = http ? http['headers'] : []
      return nil unless headers.any? { |name, _| name == 'ce-specversion' }

      attributes = headers.filter_map { |name, value| attribute(name, value) }.to_h
      [nil, 'none'].include?(input) ? attributes : attributes.merge('data' => TaibaiShim.read_input({ 'input' => input }, body))
    end

    def self.attribute(name, value)
      return [name.delete_prefix('ce-'), value] if name.start_with?('ce-')

      ['datacontenttype', value] if name == 'content-type' && !value.start_with?('application/cloudevents')
    end
  end
end
