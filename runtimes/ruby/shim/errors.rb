# frozen_string_literal: true

module TaibaiShim
  ERROR_CHARS = 64 * 1024
  STACK_FRAMES = 100
  SHIM_FOLDER = "#{__dir__}/"

  # An error of the shim itself, whose trace would not help.
  class Refusal < StandardError; end
  class NotBound < Refusal; end
  class EntryNotFound < Refusal; end
  class UnknownSignature < Refusal; end
  class VariableRefused < Refusal; end
  class ResultNotSerializable < Refusal; end
  class ResultTooLarge < Refusal; end
  class ThreadEnded < Refusal; end

  # No token is available now.
  class OpenStackUnavailable < StandardError; end

  # OpenStack's catalogue does not contain the service.
  class EndpointNotFound < StandardError; end

  # Describes an error: its type, its message, and a stack without the shim's own frames. Does not raise.
  def self.describe(error)
    type = error.class.name || 'Exception'
    { type: type.delete_prefix('TaibaiShim::'), message: message_of(error), stack: stack_of(error) }
  end

  def self.message_of(error)
    text = error.message.to_s
    text = text.encoding == Encoding::BINARY ? text.dup.force_encoding(Encoding::UTF_8) : text.encode(Encoding::UTF_8)
    text.scrub[0, ERROR_CHARS]
  rescue Exception
    '(an error whose text cannot be had)'
  end

  def self.stack_of(error)
    return '' if error.is_a?(Refusal)

    hide_shim(error)
    error.full_message(highlight: false, order: :top).dup.force_encoding(Encoding::UTF_8).scrub.rstrip[0, ERROR_CHARS]
  rescue Exception # out of memory or stack, or an exception class that fails to print itself
    ''
  end

  # Removes the shim's own frames from a trace and from chained exceptions.
  def self.hide_shim(error)
    frames = error.backtrace&.reject { |frame| frame.start_with?(SHIM_FOLDER, '<internal:') }
    error.set_backtrace(frames.first(STACK_FRAMES)) if frames && !error.frozen?
    hide_shim(error.cause) if error.cause
  end
end
