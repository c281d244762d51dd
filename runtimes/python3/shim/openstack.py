"""The function's access to OpenStack. Loaded with the first SESSION."""

from .context import Context
from .errors import EndpointNotFound, OpenStackUnavailable


def take_session(told):
    """One object for all calls of this worker, which the server renews."""
    if not told:
        Context.acts_with = None
        return
    if Context.acts_with is None:
        Context.acts_with = OpenStack()
    Context.acts_with._told = told


class OpenStack:
    """Access to OpenStack: a token of the function's trust, which the server renews."""

    __slots__ = ('_told', '_session')

    def __init__(self):
        self._session = None

    def _good(self):
        if 'problem' in self._told:
            raise OpenStackUnavailable(self._told['problem'])
        return self._told

    @property
    def token(self):
        """For the header X-Auth-Token; valid for some minutes, so read it when it is needed."""
        return self._good()['token']

    @property
    def auth_url(self):
        return self._good()['auth_url']

    @property
    def project_id(self):
        return self._good()['details']['project']['id']

    @property
    def user_id(self):
        return self._good()['details']['user']['id']

    @property
    def roles(self):
        """Names of the roles."""
        return [role['name'] for role in self._good()['details']['roles']]

    @property
    def catalog(self):
        """Keystone's catalogue: [{'type', 'name', 'endpoints': [{'interface', 'region', 'url'}]}]."""
        return self._good()['catalog']

    def endpoint(self, type, interface='public', region=None):
        """The URL of a service, such as 'object-store', without a trailing slash."""
        for service in self.catalog:
            for endpoint in service['endpoints'] if service['type'] == type else ():
                if endpoint['interface'] == interface and region in (None, endpoint['region']):
                    return endpoint['url'].rstrip('/')
        where = f' in the region {region}' if region else ''
        raise EndpointNotFound(f'the catalogue has no {interface} endpoint of the type {type}{where}')

    def session(self):
        """For OpenStack's client libraries: a keystoneauth1 session if the package or the image contains keystoneauth1, else
        one with the most used operations. Nothing is imported before it is used."""
        if self._session is None:
            from .openstack_session import LazySession

            self._session = LazySession(self)
        return self._session
