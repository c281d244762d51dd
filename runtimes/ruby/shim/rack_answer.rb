# frozen_string_literal: true

module TaibaiShim
  # The request in Rack's format; for a call that did not come over HTTP, a POST with the input.
  module RackRequest
    CONTENT_TYPES = { 'json' => 'application/json', 'text' => 'text/plain; charset=utf-8', 'bytes' => 'application/octet-stream' }.freeze

    def self.env(worker, call, meta, body)
      http = meta['http'] || posted(meta)
      path, _, query = http['target'].partition('?')
      env = headers_of(http['headers'])
      scheme = http['url'] ? http['url'][/\A[a-z]+/] : env.fetch('HTTP_X_FORWARDED_PROTO', 'http')
      name, port = (env['HTTP_HOST'] || 'localhost').split(/:(?=\d+\z)/)
      env.merge(
        'REQUEST_METHOD' => http['method'],
        'SCRIPT_NAME' => unescaped(http['prefix'] || ''),
        'PATH_INFO' => unescaped(path),
        'QUERY_STRING' => query,
        'SERVER_NAME' => name,
        'SERVER_PORT' => port || (scheme == 'https' ? '443' : '80'),
        'SERVER_PROTOCOL' => 'HTTP/1.1',
        'CONTENT_LENGTH' => body.bytesize.to_s,
        'rack.url_scheme' => scheme,
        'rack.input' => StringIO.new(body),
        'rack.errors' => $stderr,
        'rack.multithread' => worker.cpu_clock == Process::CLOCK_THREAD_CPUTIME_ID,
        'rack.multiprocess' => false,
        'rack.run_once' => false,
        'rack.version' => [1, 6],
        'taibai.context' => Context.new(call, meta)
      )
    end

    def self.posted(meta)
      kind = CONTENT_TYPES[meta['input']]
      { 'method' => 'POST', 'target' => '/', 'headers' => kind ? [['content-type', kind]] : [] }
    end

    def self.headers_of(pairs)
      env = {}
      pairs.each do |name, value|
        next if name.include?('_') # could be mistaken for one with a dash, which proxies set

        key = name == 'content-type' ? 'CONTENT_TYPE' : "HTTP_#{name.upcase.tr('-', '_')}"
        env[key] = env[key] ? "#{env[key]}#{key == 'HTTP_COOKIE' ? '; ' : ','}#{value}" : value
      end
      env.delete('HTTP_CONTENT_LENGTH')
      env
    end

    def self.unescaped(path)
      path.b.gsub(/%\h\h/) { |code| code[1, 2].hex.chr }.force_encoding(Encoding::UTF_8)
    end
  end

  # The response of an http function: one frame when it is complete, streamed when it comes in pieces.
  class RackAnswer
    WHOLE_BYTES = 1024 * 1024

    def initialize(worker, call, status, headers)
      @worker = worker
      @call = call
      @head = JSON.generate({ status: Integer(status), headers: pairs(headers) })
    end

    def deliver(parts)
      return whole(parts) if parts.respond_to?(:to_ary)

      begin_stream
      parts.respond_to?(:each) ? parts.each { |part| @call.stream(part.b) } : parts.call(Stream.new(@call))
      [END_OF_ANSWER, '', '']
    rescue ClientGone
      [END_OF_ANSWER, '', '']
    ensure
      parts.close if parts.respond_to?(:close)
    end

    private

    def whole(parts)
      body = parts.to_ary.map(&:b).join
      return [RESULT, %("value":"bytes","http":#{@head},), body] if body.bytesize <= WHOLE_BYTES

      begin_stream
      @call.stream(body)
      [END_OF_ANSWER, '', '']
    end

    def begin_stream
      @worker.wire.post(HEAD, @call.number, @head)
    end

    # Repeated headers are an array (Rack 3), or lines of one text (Rack 2).
    def pairs(headers)
      headers.to_h.reject { |name, _| name.to_s.start_with?('rack.') }.flat_map do |name, value|
        (value.is_a?(Array) ? value : value.to_s.split("\n")).map { |one| [name.to_s, one.to_s] }
      end
    end

    # The stream for a streaming body of Rack 3.
    Stream = Struct.new(:call_in_flight) do
      def write(data)
        call_in_flight.stream(data.to_s.b)
        data.to_s.bytesize
      end

      def <<(data)
        write(data)
        self
      end

      def flush = self
      def read(*) = nil
      def close(*) = nil
      alias_method :close_write, :close
      alias_method :close_read, :close
      def closed? = false
    end
  end
end
