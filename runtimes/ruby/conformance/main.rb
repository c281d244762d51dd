# frozen_string_literal: true

# The programmable function of the conformance list: does what the event says (see runtimes/README.md).

require 'open3'
require 'socket'

COUNT = [0]

def main(event, context)
  return { none: true } if event.nil?
  return event.encoding == Encoding::BINARY ? { bytes: event.bytesize, sum: event.bytes.sum } : { text: event } if event.is_a?(String)

  DEEDS.fetch(event['do']).call(event, context)
end

def describe_context(context)
  names = %i[execution_id function_id function_name function_version project_id deadline_ms remaining_ms trigger traceparent language_version]
  names.to_h { |name| [name, context.public_send(name)] }
end

def describe_request(it)
  it && { method: it.method, url: it.url, query: it.query, headers: it.headers, body: it.body && [it.body].pack('m0') }
end

def describe_openstack(event, context)
  puts context
  p context, { context: context.openstack }
  it = context.openstack
  return nil if it.nil?

  { token: it.token, auth_url: it.auth_url, project_id: it.project_id, user_id: it.user_id, roles: it.roles,
    services: it.catalog.size, url: it.endpoint(event['type'], region: event['region']) }
end

def describe_api(context)
  p context, { context: context.api }
  it = context.api
  it && { url: it.url, token: it.token, env: ENV['TAIBAI_API'] }
end

def write_past(event)
  puts event['before'] if event['before']
  text = event['stdout']
  case event['by']
  when 'descriptor' then STDOUT.syswrite("#{text}\n")
  when 'file' then File.write('/dev/stdout', "#{text}\n", mode: File::WRONLY)
  when 'child' then system('echo', text)
  when 'flood' then system('sh', '-c', "yes | head -c #{text}")
  when 'late' then spawn('sh', '-c', 'sleep "$0"; echo "$1"', (event['ms'] / 1000.0).to_s, text)
  end
  nil
end

def print_lines(event)
  left = event['bytes']
  while left.positive?
    puts 'x' * [99, left - 1].min
    left -= 100
  end
end

def wait_for_the_signal(event, context)
  puts 'begun'
  fired = context.cancelled.wait(event['ms'] / 1000.0)
  puts 'aborted' if fired
  fired
end

def start_many(count)
  count.times do |started|
    spawn('sleep', '10')
  rescue SystemCallError
    return started
  end
end

def run_command(argv)
  out, err, status = Open3.capture3(*argv)
  { code: status.exitstatus, stdout: out, stderr: err }
end

DEEDS = {
  'echo' => ->(event, _) { event['value'] },
  'text' => ->(event, _) { event['value'] * event.fetch('times', 1) },
  'bytes' => ->(*) { (0..255).to_a.pack('C*') },
  'nothing' => ->(*) {},
  'sleep' => ->(event, _) { sleep(event['ms'] / 1000.0) && 'slept' },
  'block' => lambda { |event, _|
    puts event['stdout'] if event['stdout']
    sleep(event['ms'] / 1000.0)
    'blocked'
  },
  'throw' => ->(event, _) { raise TypeError, event['message'] },
  'print' => lambda { |event, _|
    puts event['stdout'] if event['stdout']
    warn event['stderr'] if event['stderr']
  },
  'raw' => ->(event, _) { write_past(event) },
  'last_words' => ->(event, _) { STDERR.syswrite(event['stderr']) && Process.kill('KILL', Process.pid) && sleep },
  'at_end' => ->(event, _) { at_exit { puts event['stdout'] } && nil },
  'local_time' => ->(event, _) { Time.at(event['seconds']).strftime('%H:%M') },
  'chatter' => lambda { |event, _|
    event['lines'].times do |line|
      puts "#{event['tag']} #{line}"
      sleep(0.001)
    end
    event['tag']
  },
  'flood' => ->(event, _) { print_lines(event) },
  'exit' => ->(event, _) { exit(event['code']) },
  'loop' => ->(*) { loop {} },
  'memory' => ->(event, _) { ("\1" * (event['mb'] * 1024 * 1024)).clear && nil },
  'objects' => ->(event, _) { Array.new(event['mb']) { Array.new(26_214) { |at| (at + 0.5).to_s } }.size },
  'unserialisable' => ->(*) { { 'not a number' => Float::NAN } },
  'context' => ->(_, context) { describe_context(context) },
  'cloudevent' => ->(_, context) { context.cloudevent },
  'request' => ->(_, context) { describe_request(context.request) },
  'openstack' => ->(event, context) { describe_openstack(event, context) },
  'api' => ->(_, context) { describe_api(context) },
  'env' => ->(event, _) { ENV[event['name']] },
  'count' => ->(*) { COUNT[0] += 1 },
  'aborted' => ->(event, context) { wait_for_the_signal(event, context) },
  'read' => ->(event, _) { File.read(event['path']) },
  'write' => ->(event, _) { File.binwrite(event['path'], "\0" * event['bytes']) },
  'list' => ->(event, _) { Dir.children(event['path']).sort },
  'connect' => ->(event, _) { Socket.tcp(event['host'], event['port'], connect_timeout: 2) { 'connected' } },
  'spawn' => ->(event, _) { start_many(event['count']) },
  'run' => ->(event, _) { run_command(event['argv']) }
}.freeze
