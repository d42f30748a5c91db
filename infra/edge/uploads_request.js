// Runs in CloudFront before an upload is forwarded to the uploads bucket, which accepts signed forms only at its root.
// S3 reads the form. Forward only the headers that a form needs: no cookies, no token, no header that means something to S3.
var NEEDED = /^(access-control-request-(headers|method)|content-(length|type)|expect|host|origin|transfer-encoding|via)$/;

function handler(event) {
  var request = event.request;
  if (request.method !== 'POST' && request.method !== 'OPTIONS') {
    return { statusCode: 405, statusDescription: 'Method Not Allowed', headers: { allow: { value: 'OPTIONS, POST' } } };
  }
  for (var name in request.headers) if (!NEEDED.test(name)) delete request.headers[name];
  request.cookies = {};
  request.querystring = {};
  request.uri = '/';
  return request;
}
