"""Sessions for OpenStack's client libraries: keystoneauth1's if installed, else one based on the standard library."""

from .json_text import from_json, to_json
from .errors import EndpointNotFound


class LazySession:
    """Becomes a session on first access, including by isinstance()."""

    def __init__(self, openstack):
        self.__dict__['_openstack'] = openstack

    def _made(self):
        made = self.__dict__.get('_session')
        if made is None:
            made = self.__dict__['_session'] = make_session(self._openstack)
        return made

    def __getattr__(self, name):
        return getattr(self._made(), name)

    def __setattr__(self, name, value):
        setattr(self._made(), name, value)

    @property
    def __class__(self):
        return type(self._made())


def make_session(openstack):
    try:
        from keystoneauth1 import access, session
        from keystoneauth1.identity.base import BaseIdentityPlugin
    except ImportError:
        return PlainSession(openstack)

    class TrustToken(BaseIdentityPlugin):
        """A token that is renewed elsewhere: a trust's token cannot be exchanged for another."""

        _known = None

        def get_access(self, session, **kwargs):
            return self.get_auth_ref(session)

        def get_auth_ref(self, session, **kwargs):
            told = openstack._good()
            if self._known is None or self._known[0] is not told:
                body = {'token': {**told['details'], 'catalog': told['catalog']}}
                self._known = told, access.create(body=body, auth_token=told['token'])
            return self._known[1]

        def invalidate(self):
            return False

    plugin = TrustToken(auth_url=openstack.auth_url, reauthenticate=False)
    return session.Session(auth=plugin)


class PlainSession:
    """The most used operations of a keystoneauth1 session, with the standard library alone."""

    auth = None
    verify = True

    def __init__(self, openstack):
        self.openstack = openstack

    def get_token(self, auth=None):
        return self.openstack.token

    def get_auth_headers(self, auth=None, **kwargs):
        return {'X-Auth-Token': self.openstack.token}

    def get_project_id(self, auth=None):
        return self.openstack.project_id

    def get_user_id(self, auth=None):
        return self.openstack.user_id

    def get_endpoint(self, auth=None, service_type=None, interface='public', region_name=None, **kwargs):
        if kwargs.get('endpoint_override'):
            return kwargs['endpoint_override']
        faces = interface if isinstance(interface, (list, tuple)) else (interface or 'public',)
        for face in faces[:-1]:
            try:
                return self.openstack.endpoint(service_type, face.removesuffix('URL'), region_name)
            except EndpointNotFound:
                pass
        return self.openstack.endpoint(service_type, faces[-1].removesuffix('URL'), region_name)

    def invalidate(self, auth=None):
        return False

    def request(
        self,
        url,
        method,
        json=None,
        data=None,
        headers=None,
        params=None,
        authenticated=None,
        endpoint_filter=None,
        endpoint_override=None,
        raise_exc=True,
        timeout=60,
        **kwargs,
    ):
        import urllib.error
        import urllib.parse
        import urllib.request

        url = self._whole_url(url, endpoint_override, endpoint_filter or {})
        if params:
            url += ('&' if '?' in url else '?') + urllib.parse.urlencode(params, doseq=True)
        headers = {'Accept': 'application/json', **(headers or {})}
        if authenticated is not False:
            headers.setdefault('X-Auth-Token', self.openstack.token)
        if json is not None:
            headers.setdefault('Content-Type', 'application/json')
            data = to_json(json)
        body = data.encode() if isinstance(data, str) else data
        request = urllib.request.Request(url, body, headers, method=method.upper())
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return PlainResponse(url, answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                response = PlainResponse(url, error.code, error.headers, error.read())
            if raise_exc:
                raise HttpError(response) from None
            return response

    def _whole_url(self, url, endpoint, wish):
        if '://' in url:
            return url
        endpoint = endpoint or self.get_endpoint(**wish)
        return f'{endpoint.rstrip("/")}/{url.lstrip("/")}'

    def get(self, url, **kwargs):
        return self.request(url, 'GET', **kwargs)

    def head(self, url, **kwargs):
        return self.request(url, 'HEAD', **kwargs)

    def post(self, url, **kwargs):
        return self.request(url, 'POST', **kwargs)

    def put(self, url, **kwargs):
        return self.request(url, 'PUT', **kwargs)

    def patch(self, url, **kwargs):
        return self.request(url, 'PATCH', **kwargs)

    def delete(self, url, **kwargs):
        return self.request(url, 'DELETE', **kwargs)


class PlainResponse:
    def __init__(self, url, status, headers, content):
        self.url = url
        self.status_code = status
        self.headers = headers
        self.content = content
        self.ok = status < 400

    @property
    def text(self):
        return self.content.decode('utf-8', 'replace')

    def json(self):
        return from_json(self.text)

    def raise_for_status(self):
        if not self.ok:
            raise HttpError(self)


class HttpError(Exception):
    """A service has responded with 4xx or 5xx."""

    def __init__(self, response):
        super().__init__(f'{response.status_code} from {response.url}')
        self.response = response
        self.http_status = self.status_code = response.status_code
