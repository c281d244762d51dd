# frozen_string_literal: true

module TaibaiShim
  # Signatures, a file each: `prepare(worker, callable)` answers with what a call is made by; it is given the call, its meta and
  # its body, and answers with what `result_of` returns.
  module Signatures
    # `main(event, context)`; or `main(event:, context:)`, as AWS Lambda calls handlers.
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
