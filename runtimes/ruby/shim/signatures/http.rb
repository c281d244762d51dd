# frozen_string_literal: true

require_relative '../rack_answer'

module TaibaiShim
  module Signatures
    # A Rack application: `main(env)` returns status, headers and body.
    module Http
      def self.prepare(worker, application)
        lambda do |call, meta, body|
          status, headers, parts = application.call(RackRequest.env(worker, call, meta, body))
          RackAnswer.new(worker, call, status, headers).deliver(parts)
        end
      end
    end
  end
end
