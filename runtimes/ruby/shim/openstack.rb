# frozen_string_literal: true

module TaibaiShim
  # Access to OpenStack: a token of the function's trust, which the server renews. Loaded with the first SESSION.
  class OpenStack
    # One object for all calls of this worker.
    def self.take(told)
      return Context.acts_with = nil if told.empty?

      (Context.acts_with ||= new).instance_variable_set(:@told, told)
    end

    # For the header X-Auth-Token; valid for some minutes, so read it when it is needed.
    def token = good['token']
    def auth_url = good['auth_url']
    def project_id = good['details']['project']['id']
    def user_id = good['details']['user']['id']

    # Names of the roles.
    def roles = good['details']['roles'].map { |role| role['name'] }

    # Keystone's catalogue: [{'type', 'name', 'endpoints': [{'interface', 'region', 'url'}]}].
    def catalog = good['catalog']

    # The URL of a service, such as 'object-store', without a trailing slash.
    def endpoint(type, interface: 'public', region: nil)
      services = catalog.select { |service| service['type'] == type }
      found = services.flat_map { |service| service['endpoints'] }.find do |endpoint|
        endpoint['interface'] == interface && [nil, endpoint['region']].include?(region)
      end
      return found['url'].chomp('/') if found

      where = region && " in the region #{region}"
      raise EndpointNotFound, "the catalogue has no #{interface} endpoint of the type #{type}#{where}"
    end

    def inspect = '#<OpenStack>'
    alias to_s inspect

    private

    def good
      raise OpenStackUnavailable, @told['problem'] if @told['problem']

      @told
    end
  end
end
