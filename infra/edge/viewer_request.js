// Runs in CloudFront on every request to the pages. The API sees its own host name only, so the visitor's is
// handed on; whatever the visitor sent under that name is overwritten.
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

// The values are as they stood in the address, not decoded.
function queryOf(request) {
  var fields = [];
  for (var name in request.querystring) {
    var field = request.querystring[name];
    (field.multiValue || [field]).forEach((one) => fields.push(name + '=' + one.value));
  }
  return fields.length ? '?' + fields.join('&') : '';
}
