# frozen_string_literal: true

# The http function of the conformance list, as a Rack application.

TEXT = { 'content-type' => 'text/plain; charset=utf-8' }.freeze

def main(env)
  query = env['QUERY_STRING'].split('&').to_h { |pair| pair.split('=') }.transform_values(&:to_i)
  case env['PATH_INFO']
  when '/hello' then [200, TEXT.merge('x-conformance' => 'yes'), ['hello']]
  when '/echo' then [200, { 'content-type' => env['CONTENT_TYPE'] }, [env['rack.input'].read]]
  when '/stream' then [200, {}, pieces(query)]
  when '/status' then [query['code'], {}, []]
  when '/throw' then raise TypeError, 'thrown by a web function'
  when '/print' then log
  else [404, TEXT, ['nothing here']]
  end
end

def log
  puts 'web log'
  [204, {}, []]
end

def pieces(query)
  Enumerator.new do |answer|
    query['chunks'].times do |number|
      sleep(query['ms'] / 1000.0) if number.positive?
      answer << ('a' * query['bytes'])
    end
  end
end
