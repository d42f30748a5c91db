// Runs in CloudFront on every request for a page. The API sees only its own host name, so pass the visitor's in
// X-Forwarded-Host, overwriting any value that the visitor sent.
function handler(event) {
  var request = event.request;
  var host = request.headers.host.value;
  if (host === '${root_domain}') {
    return {
      statusCode: 301,
      statusDescription: 'Moved Permanently',
      headers: { location: { value: 'https://${site_domain}' + request.uri + queryOf(request) } },
    };
  }
  request.headers['x-forwarded-host'] = { value: host };
  return request;
}

// The values are still URL-encoded.
function queryOf(request) {
  var fields = [];
  for (var name in request.querystring) {
    var field = request.querystring[name];
    (field.multiValue || [field]).forEach((one) => fields.push(name + '=' + one.value));
  }
  return fields.length ? '?' + fields.join('&') : '';
}
