# frozen_string_literal: true

require 'fileutils'

module TaibaiShim
  # Receives code over the connection: each CODE frame is a folder, a link, or a piece of a file.
  def self.lay_out(meta, body)
    path = meta['path']
    return FileUtils.mkdir_p(path) if meta['folder']
    return File.symlink(meta['link'], path) if meta['link']

    File.open(path, meta['more'] ? 'ab' : 'wb', meta['executable'] ? 0o755 : 0o644) { |file| file.write(body) }
  end
end
