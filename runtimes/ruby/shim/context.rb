# frozen_string_literal: true

module TaibaiShim
  # The second argument of a handler. Printing does not show secrets.
  class Context
    class << self
      attr_reader :function_id, :function_name, :function_version, :project_id, :memory_limit_in_mb, :api_access
      attr_accessor :acts_with

      def describe_function(meta)
        @function_id, @function_name, @function_version, @project_id, @api_access =
          meta.values_at('function_id', 'function_name', 'function_version', 'project_id', 'api')
        @memory_limit_in_mb = meta['memory_bytes'].to_i / (1024 * 1024)
      end
    end

    attr_reader :execution_id, :deadline_ms, :trigger, :traceparent

    def initialize(call, meta, body = nil)
      @call = call
      @execution_id, @deadline_ms, @trigger, @traceparent, @http, @input =
        meta.values_at('execution_id', 'deadline_ms', 'trigger', 'traceparent', 'http', 'input')
      @body = body
    end

    %i[function_id function_name function_version project_id memory_limit_in_mb].each do |name|
      define_method(name) { Context.public_send(name) }
    end

    def language_version = RUBY_VERSION

    # Milliseconds until the deadline.
    def remaining_ms = [deadline_ms - (Process.clock_gettime(Process::CLOCK_REALTIME) * 1000), 0].max

    # The names of AWS Lambda.
    def get_remaining_time_in_millis = remaining_ms.to_i
    def aws_request_id = execution_id

    # A logger of the standard library, which writes to standard error.
    def logger
      require 'logger'
      Logger.new($stderr, progname: function_name)
    end

    # Fires when nobody waits for the response any more: set?, wait(seconds).
    def cancelled = @call.cancelled

    # The OpenStack session of the function; nil: none.
    def openstack = Context.acts_with

    # Access of this call to the server's API; nil: not allowed.
    def api
      Context.api_access && Api.new(Context.api_access, execution_id)
    end

    # The request of a webhook, whose fields are the event; nil: another caller.
    def request
      @http && @body && Request.new(@http, @body)
    end

    # The call's CloudEvent, whose data is the event: its attributes by name, and `data`; nil: the call is not an event.
    def cloudevent
      require_relative 'cloud_event'
      CloudEvent.of(@http, @input, @body)
    end

    def inspect = "#<Context #{function_name} #{execution_id}>"
    alias to_s inspect
  end

  # The server's API. Printing does not show the token.
  class Api
    attr_reader :url

    def initialize(told, execution_id)
      @url = told['url']
      @token = "#{told['token']}.#{execution_id}" # identifies the execution
    end

    # For the header X-Auth-Token, or as a bearer token; valid while this worker exists.
    attr_reader :token

    def inspect = "#<Api #{url}>"
    alias to_s inspect
  end

  # The HTTP request. Without a body of its own, it has the bytes of the input.
  class Request
    attr_reader :method, :url, :query, :headers, :body

    def initialize(http, body)
      @method, @url = http.values_at('method', 'url')
      @query = http['target'].partition('?').last
      @headers = {}
      http['headers'].each do |name, value|
        @headers[name] = @headers[name] ? "#{@headers[name]}#{name == 'cookie' ? '; ' : ', '}#{value}" : value
      end
      @body = http.key?('body') ? http['body']&.unpack1('m') : body
    end
  end

  def self.read_input(meta, body)
    case meta['input']
    when 'json' then JSON.parse(body.dup.force_encoding(Encoding::UTF_8), max_nesting: 0)
    when 'text' then body.dup.force_encoding(Encoding::UTF_8).scrub
    when 'bytes' then body
    end
  end
end
