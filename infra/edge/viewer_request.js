// Runs in CloudFront on every request to the pages. The API sees its own host name only, so the visitor's is
// handed on; whatever the visitor sent under that name is overwritten.
function handler(event) {
  var request = event.request;
  var host = request.headers.host.value;
  if (host === '${root_domain}') {
    return {
      statusCode: 301,
      statusDescription: 'Moved Permanently',
      headers: { location: { value: 'https://${site_domain}' + request.uri } },
    };
  }
  request.headers['x-forwarded-host'] = { value: host };
  return request;
}
