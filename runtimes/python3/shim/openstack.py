"""What a function acts with in OpenStack. Loaded with the first SESSION."""

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
    """What the function acts with in OpenStack: a token of its trust, which the server renews."""

    __slots__ = ('_told', '_session')

    def __init__(self):
        self._session = None

    def _good(self):
        if 'problem' in self._told:
            raise OpenStackUnavailable(self._told['problem'])
        return self._told

    @property
    def token(self):
        """For the header X-Auth-Token; good for some minutes at least, so ask for it when it is needed."""
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
        """Their names."""
        return [role['name'] for role in self._good()['details']['roles']]

    @property
    def catalog(self):
        """Keystone's: [{'type', 'name', 'endpoints': [{'interface', 'region', 'url'}]}]."""
        return self._good()['catalog']

    def endpoint(self, type, interface='public', region=None):
        """The URL of a service, such as 'object-store', without a slash at its end."""
        for service in self.catalog:
            for endpoint in service['endpoints'] if service['type'] == type else ():
                if endpoint['interface'] == interface and region in (None, endpoint['region']):
                    return endpoint['url'].rstrip('/')
        where = f' in the region {region}' if region else ''
        raise EndpointNotFound(f'the catalogue has no {interface} endpoint of the type {type}{where}')

    def session(self):
        """For the clients of OpenStack: a keystoneauth1 session where the package or the image has keystoneauth1, else one
        that can do what most of its users need. Nothing is imported before it is used."""
        if self._session is None:
            from .openstack_session import LazySession

            self._session = LazySession(self)
        return self._session
