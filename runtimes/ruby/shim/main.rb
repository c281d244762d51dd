# frozen_string_literal: true

# The Ruby worker: speaks the worker protocol (runtimes/README.md) for one function.
#
# A reader walks: main (and relay, where the link is encrypted) → worker → wire → call, output → serving → loading (and code) → context, results, errors; then
# signatures/ with rack_answer behind `http`, cloud_event and openstack. These are loaded when BIND or a call asks for them.

require 'socket'

module TaibaiShim
  HELLO = 16
  KNOCK = 25

  def self.main
    connection = say_hello # before everything else is loaded, which then overlaps with the server's preparations
    take_over_descriptors
    require 'rubygems' # the interpreter starts without it, which halves the time to the hello
    %w[json stringio].each { |name| require name }
    require_relative 'worker'
    Worker.new(Wire.new(connection)).serve
  end

  def self.say_hello
    connection = encrypted? ? behind_relay : dial('frames')
    connection.write(frame(HELLO, %({"protocol":1,"runtime":"ruby","version":"#{RUBY_VERSION}"})))
    connection
  end

  # A connection to the server; over TCP it begins with a KNOCK, which authenticates the worker.
  def self.dial(stream)
    return UNIXSocket.new(ENV['TAIBAI_SOCKET']) if ENV['TAIBAI_SOCKET']
    abort 'this is a worker of Taibai, which sets TAIBAI_SOCKET; it cannot be started by hand' unless ENV['TAIBAI_SERVER']

    connection = dial_plainly
    connection.write(knock(stream))
    connection
  end

  def self.dial_plainly
    host, _, port = ENV['TAIBAI_SERVER'].rpartition(':')
    connection = TCPSocket.new(host, port.to_i)
    connection.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
    connection.setsockopt(Socket::SOL_SOCKET, Socket::SO_KEEPALIVE, 1)
    connection
  end

  # The first frame of a connection: which of the three it is, and which worker, with the proof.
  def self.knock(stream)
    frame(KNOCK, %({"stream":"#{stream}"}), read_key.first)
  end

  # The worker's name with its secret, and the certificate that the server has to show; none: the link is not encrypted.
  def self.read_key
    key, mark, rest = File.read(ENV['TAIBAI_KEY']).partition('-----BEGIN')
    [key.strip, mark.empty? ? nil : mark + rest]
  end

  def self.encrypted?
    ENV['TAIBAI_SOCKET'].nil? && !ENV['TAIBAI_SERVER'].nil? && !read_key.last.nil?
  end

  # From here on this is a child. Its descriptors 1 and 2 lead to the relay, as the connection does.
  def self.behind_relay
    here, there = UNIXSocket.pair
    pipes = [IO.pipe, IO.pipe]
    if (child = fork)
      [there, *pipes.map(&:last)].each(&:close)
      require_relative 'relay'
      Relay.new(child, pipes.map(&:first), here).run
    end
    pipes.zip([STDOUT, STDERR]) { |(_, way), io| io.reopen(way) }
    [here, *pipes.flatten].each(&:close)
    %w[TAIBAI_SERVER TAIBAI_KEY].each { |name| ENV.delete(name) }
    there
  end

  def self.frame(kind, meta, body = '')
    [9 + meta.bytesize + body.bytesize, kind, 0, meta.bytesize].pack('NCNN') + meta.b + body.b
  end

  # Connects descriptors 1 and 2 to the server: output that bypasses the shim needs no reader in this process.
  def self.take_over_descriptors
    { 'stdout' => STDOUT, 'stderr' => STDERR }.each do |name, io|
      io.reopen(way_to_server(name)) if ENV['TAIBAI_SOCKET'] || ENV['TAIBAI_SERVER'] # behind a relay they lead there already
      io.sync = true
      block(io)
    end
  end

  # Without a reader an open for writing waits: a server that was killed is none.
  def self.open_pipe(path)
    File.open(path, File::RDWR) { File.open(path, File::WRONLY) }
  end

  def self.way_to_server(name)
    ENV['TAIBAI_SOCKET'] ? open_pipe(File.join(File.dirname(ENV['TAIBAI_SOCKET']), name)) : dial(name)
  end

  # Child processes inherit them, and must wait where the other side does not read.
  def self.block(io)
    require 'fcntl'
    io.fcntl(Fcntl::F_SETFL, io.fcntl(Fcntl::F_GETFL) & ~Fcntl::O_NONBLOCK)
  end
end

TaibaiShim.main
