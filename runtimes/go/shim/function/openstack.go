package function

import (
	"fmt"
	"strings"
	"sync"

	"taibai.worker/wire"
)

// OpenStackUnavailable : no token can be had at the moment.
type OpenStackUnavailable string

// EndpointNotFound : the catalogue of OpenStack does not know the service.
type EndpointNotFound string

func (problem OpenStackUnavailable) Error() string { return string(problem) }
func (problem EndpointNotFound) Error() string     { return string(problem) }

// openstack keeps what the newest SESSION says.
type openstack struct {
	lock sync.Mutex
	told *session
}

type session struct {
	Token   string
	Problem string
	AuthURL string `json:"auth_url"`
	Details struct {
		User    struct{ ID string }
		Project struct{ ID string }
		Roles   []struct{ Name string }
	}
	Catalog []Service
}

// Service of Keystone's catalogue.
type Service struct {
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint of a service.
type Endpoint struct {
	Interface string `json:"interface"`
	Region    string `json:"region"`
	URL       string `json:"url"`
}

func (openstack *openstack) take(frame wire.Frame) error {
	var told session
	if err := frame.Into(&told); err != nil {
		return err
	}
	openstack.lock.Lock()
	defer openstack.lock.Unlock()
	openstack.told = nil
	if told.Token != "" || told.Problem != "" {
		openstack.told = &told
	}
	return nil
}

// Nil: there is none.
func (openstack *openstack) now() interface{} {
	openstack.lock.Lock()
	defer openstack.lock.Unlock()
	if openstack.told == nil {
		return nil
	}
	return OpenStack{openstack}
}

// OpenStack is what the function acts with: a token of its trust, which the server renews. Each of its methods says so when there
// is no token now. No print of it shows the token.
type OpenStack struct{ of *openstack }

func (it OpenStack) good() (session, error) {
	it.of.lock.Lock()
	defer it.of.lock.Unlock()
	switch {
	case it.of.told == nil:
		return session{}, OpenStackUnavailable("the function acts with nothing in OpenStack any more")
	case it.of.told.Problem != "":
		return session{}, OpenStackUnavailable(it.of.told.Problem)
	}
	return *it.of.told, nil
}

// Token for the header X-Auth-Token; good for some minutes at least, so ask for it when it is needed.
func (it OpenStack) Token() (string, error) {
	told, err := it.good()
	return told.Token, err
}

func (it OpenStack) AuthURL() (string, error) {
	told, err := it.good()
	return told.AuthURL, err
}

func (it OpenStack) ProjectID() (string, error) {
	told, err := it.good()
	return told.Details.Project.ID, err
}

func (it OpenStack) UserID() (string, error) {
	told, err := it.good()
	return told.Details.User.ID, err
}

// Roles by their names.
func (it OpenStack) Roles() ([]string, error) {
	told, err := it.good()
	var names []string
	for _, role := range told.Details.Roles {
		names = append(names, role.Name)
	}
	return names, err
}

// Types of the services in the catalogue.
func (it OpenStack) Services() ([]string, error) {
	told, err := it.good()
	var types []string
	for _, service := range told.Catalog {
		types = append(types, service.Type)
	}
	return types, err
}

// Endpoint is the public URL of a service, such as "object-store", without a slash at its end; in whichever region when that is "".
func (it OpenStack) Endpoint(kind, region string) (string, error) {
	told, err := it.good()
	if err != nil {
		return "", err
	}
	for _, service := range told.Catalog {
		for _, endpoint := range service.Endpoints {
			if service.Type == kind && endpoint.Interface == "public" && (region == "" || region == endpoint.Region) {
				return strings.TrimSuffix(endpoint.URL, "/"), nil
			}
		}
	}
	return "", EndpointNotFound(fmt.Sprintf("the catalogue has no public endpoint of the type %s (region %q)", kind, region))
}

func (it OpenStack) String() string   { return "OpenStack" }
func (it OpenStack) GoString() string { return "OpenStack" }
