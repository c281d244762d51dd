# frozen_string_literal: true

module TaibaiShim
  # Signatures, one file each: `prepare(worker, callable)` returns a function that performs a call; it gets the call, its meta and
  # its body, and returns the result of `result_of`.
  module Signatures
    # `main(event, context)`; or `main(event:, context:)`, as in AWS Lambda.
    module Event
      def self.prepare(worker, callable)
        parameters = parameters_of(callable)
        keywords = parameters.filter_map { |kind, name| name if %i[key keyreq].include?(kind) } & %i[event context]
        wanted = parameters.any? { |kind, _| kind == :rest } ? 2 : parameters.count { |kind, _| %i[req opt].include?(kind) }
        lambda do |call, meta, body|
          given = { event: TaibaiShim.read_input(meta, body), context: Context.new(call, meta, body) }
          value = keywords.empty? ? callable.call(*given.values.first(wanted)) : callable.call(**given.slice(*keywords))
          value = value.value if value.is_a?(Thread)
          TaibaiShim.result_of(value, worker.max_result_bytes)
        end
      end

      def self.parameters_of(callable)
        callable.respond_to?(:parameters) ? callable.parameters : callable.method(:call).parameters
      end
    end
  end
end
