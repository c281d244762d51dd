# frozen_string_literal: true

# The Ruby worker: speaks the worker protocol (runtimes/README.md) for one function.
#
# A reader walks: main → worker → wire → call, output → serving → loading (and code) → context, results, errors; then
# signatures/ with rack_answer behind `http`, cloud_event and openstack. These are loaded when BIND or a call asks for them.

require 'socket'

module TaibaiShim
  HELLO = 16
  KNOCK = 25

  def self.main
    connection = say_hello # before all else is loaded: what follows then overlaps with the server's preparations
    take_over_descriptors
    require 'rubygems' # the interpreter starts without it, which halves the time to the hello
    %w[json stringio].each { |name| require name }
    require_relative 'worker'
    Worker.new(Wire.new(connection)).serve
  end

  def self.say_hello
    connection = dial('frames')
    connection.write(frame(HELLO, %({"protocol":1,"runtime":"ruby","version":"#{RUBY_VERSION}"})))
    connection
  end

  # A connection to the server; over TCP it begins with a KNOCK, which proves who the worker is.
  def self.dial(stream)
    return UNIXSocket.new(ENV['TAIBAI_SOCKET']) if ENV['TAIBAI_SOCKET']
    abort 'this is a worker of Taibai, which sets TAIBAI_SOCKET; it cannot be started by hand' unless ENV['TAIBAI_SERVER']

    host, _, port = ENV['TAIBAI_SERVER'].rpartition(':')
    connection = TCPSocket.new(host, port.to_i)
    connection.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
    connection.setsockopt(Socket::SOL_SOCKET, Socket::SO_KEEPALIVE, 1)
    connection.write(frame(KNOCK, %({"stream":"#{stream}"}), File.read(ENV['TAIBAI_KEY']).strip))
    connection
  end

  def self.frame(kind, meta, body = '')
    [9 + meta.bytesize + body.bytesize, kind, 0, meta.bytesize].pack('NCNN') + meta.b + body.b
  end

  # Descriptors 1 and 2 lead to the server: what is printed past the shim arrives without a reader in this process.
  def self.take_over_descriptors
    { 'stdout' => STDOUT, 'stderr' => STDERR }.each do |name, io|
      there = ENV['TAIBAI_SOCKET'] ? open_pipe(File.join(File.dirname(ENV['TAIBAI_SOCKET']), name)) : dial(name)
      io.reopen(there)
      io.sync = true
      block(io)
    end
  end

  # Without a reader an open for writing waits: a server that was killed is none.
  def self.open_pipe(path)
    File.open(path, File::RDWR) { File.open(path, File::WRONLY) }
  end

  # Child processes inherit them, and must wait where the other side does not read.
  def self.block(io)
    require 'fcntl'
    io.fcntl(Fcntl::F_SETFL, io.fcntl(Fcntl::F_GETFL) & ~Fcntl::O_NONBLOCK)
  end
end

TaibaiShim.main
