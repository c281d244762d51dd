# frozen_string_literal: true

module TaibaiShim
  # A function's result as the frame that ends the call: its type, fields of its meta, its body.
  def self.result_of(value, max_bytes)
    kind, body = said(value)
    if body.bytesize > max_bytes
      raise ResultTooLarge, "the result has #{body.bytesize} bytes, more than the #{max_bytes} allowed"
    end

    [RESULT, %("value":"#{kind}",), body]
  end

  # A string is text, unless its encoding is binary.
  def self.said(value)
    return ['json', JSON.generate(value, max_nesting: 0)] unless value.is_a?(String)
    return ['bytes', value] if value.encoding == Encoding::BINARY

    text = value.encode(Encoding::UTF_8)
    raise ResultNotSerializable, 'the result is a text that is not valid UTF-8; bytes have the encoding BINARY' unless text.valid_encoding?

    ['text', text]
  rescue JSON::GeneratorError, EncodingError, SystemStackError => error
    raise ResultNotSerializable, "the result cannot be said in JSON: #{TaibaiShim.message_of(error)}"
  end
end
