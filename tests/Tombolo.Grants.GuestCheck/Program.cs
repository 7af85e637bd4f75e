// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Grants;
using Tombolo.Grants.GuestCheck;

// tombolo-grant-check LINE first|second PEER [NAME]   all checks of the conformance suite (or those whose names begin so), with the other domain's half; LINE is a serial port in raw mode
// tombolo-grant-check copy-from DOMAIN REFERENCE      copies out of a page of another window, and back into it
if (args is ["copy-from", string granter, string reference])
{
    using DeviceDomain domain = DeviceDomain.Open();
    byte[] bytes = new byte[16];
    domain.CopyOut(new(ushort.Parse(granter, CultureInfo.InvariantCulture)), new(uint.Parse(reference, CultureInfo.InvariantCulture)), 64, bytes);
    Console.WriteLine($"copied {Convert.ToHexString(bytes)}");
    domain.CopyIn(new(ushort.Parse(granter, CultureInfo.InvariantCulture)), new(uint.Parse(reference, CultureInfo.InvariantCulture)), 128, bytes);
    return 0;
}
const string Usage = "usage: tombolo-grant-check LINE first|second PEER [NAME] | copy-from DOMAIN REFERENCE";
if (args is ["--help"])
{
    Console.WriteLine(Usage);
    return 0;
}
if (args.Length is < 3 or > 4 || args[1] is not ("first" or "second"))
{
    Console.Error.WriteLine(Usage);
    return 2;
}
using var input = new FileStream(args[0], FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1);
using var output = new FileStream(args[0], FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 1);
var link = new SerialLink(input, output);
using DeviceDomain self = DeviceDomain.Open();
int passed = Checks.Run(self, new(ushort.Parse(args[2], CultureInfo.InvariantCulture)), link, isFirst: args[1] == "first", args.Length > 3 ? args[3] : "", Console.Out);
return passed < 0 ? 1 : 0;
