# frozen_string_literal: true

module TaibaiShim
  # Loads a function from the content of BIND: the process enters the code's folder, and finds what the entry names.
  module Loading
    MOST_NAMES = 50 # limit of listed names in an error
    OWN_VARIABLES = %w[TAIBAI_SOCKET TAIBAI_SERVER TAIBAI_KEY].freeze

    class << self
      def signature(name)
        known = Dir.children("#{__dir__}/signatures").map { |file| File.basename(file, '.rb') }.sort
        unless known.include?(name)
          raise UnknownSignature, %(this runtime does not know the signature "#{name}"; it knows #{known.join(', ')})
        end

        require_relative "signatures/#{name}"
        Signatures.const_get(name.capitalize)
      end

      # Makes the process look like a program started in the code's folder.
      def enter(meta)
        env = meta['env'] || {}
        refuse_late(env)
        OWN_VARIABLES.each { |name| ENV.delete(name) }
        ENV.update(env)
        write_secret_files(meta['secrets'], meta['secret_files']) if meta['secret_files']
        Dir.chdir(meta['code'])
        $LOAD_PATH.unshift(*load_path(meta['code'], env))
        $PROGRAM_NAME = meta['code']
      end

      # The method or the object that the entry names.
      def load_entry(code, entry)
        path, _, name = entry.rpartition('.')
        path = path.delete_prefix('./')
        if name.empty? || path.empty? || path.start_with?('/') || path.split('/').include?('..')
          raise EntryNotFound, "the entry #{entry.inspect} is not of the form module.callable"
        end

        file = File.join(code, "#{path}.rb")
        raise EntryNotFound, "there is no file #{path}.rb in the code; its modules are: #{modules_in(code)}" unless File.file?(file)

        require file
        callable(name) || raise(EntryNotFound, "#{path}.rb has no #{name.inspect}; its methods are: #{methods_in(code)}")
      end

      private

      # Refuses settings that Ruby reads at its start only.
      def refuse_late(env)
        return if env.fetch('RUBYOPT', '').empty?

        raise VariableRefused, 'RUBYOPT is read when Ruby starts, before this worker knows its function: require files in its code, and set $VERBOSE there'
      end

      def load_path(code, env)
        gems = Dir.glob("#{code}/vendor/bundle/ruby/*/{gems/*/lib,extensions/*/*/*}")
        [code, *(["#{code}/lib"] if File.directory?("#{code}/lib")), *env.fetch('RUBYLIB', '').split(':'), *gems]
      end

      # Called before the function's code is loaded; only the worker's user can read the files.
      def write_secret_files(folder, files)
        require 'fileutils'
        FileUtils.mkdir_p(folder, mode: 0o700)
        files.each { |name, text| File.write(File.join(folder, name), text, mode: File::WRONLY | File::CREAT | File::EXCL, perm: 0o400) }
      end

      def callable(name)
        if name.match?(/\A[A-Z]/)
          value = Object.const_get(name) if Object.const_defined?(name)
          return value.respond_to?(:call) ? value : nil
        end
        found = TOPLEVEL_BINDING.receiver.method(name)
        found if found.source_location # excludes Ruby's own methods, such as print
      rescue NameError
        nil
      end

      def modules_in(code)
        listing(Dir.glob('**/*.rb', base: code).map { |file| file.delete_suffix('.rb') })
      end

      def methods_in(code)
        main = TOPLEVEL_BINDING.receiver
        names = Object.private_instance_methods(false).select do |name|
          main.method(name).source_location&.first&.start_with?(File.realpath(code), code)
        end
        listing(names.map(&:to_s))
      end

      def listing(names)
        return 'none' if names.empty?

        names.sort.first(MOST_NAMES).join(', ') + (names.size > MOST_NAMES ? ', …' : '')
      end
    end
  end
end
