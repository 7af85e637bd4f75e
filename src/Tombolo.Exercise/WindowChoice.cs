// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Ivshmem;

namespace Tombolo.Exercise;

/// <summary>Which window a command means: a server's socket on a host, a device in a guest.</summary>
internal sealed class WindowChoice
{
    private readonly Option<string?> _socket = new("--socket") { Description = "On a host: the doorbell server's socket.", HelpName = "path" };
    private readonly Option<string?> _device = new("--device") { Description = "In a guest: a PCI address, or a /dev/tombolo_window_*. Default: the only device there is.", HelpName = "device" };
    private readonly Option<GuestRoute> _route = new("--route") { Description = "In a guest: Auto, WindowDevice or Vfio.", HelpName = "way" };

    /// <summary>For the command.</summary>
    public IEnumerable<Option> Options => [_socket, _device, _route];

    /// <summary>Joins the fabric.</summary>
    public IParticipant Open(ParseResult parsed) => (parsed.GetValue(_socket), parsed.GetValue(_device)) switch
    {
        (not null, not null) => throw new ArgumentException("Both --socket and --device are given; choose one."),
        (string socket, null) => IvshmemClient.Connect(new() { SocketPath = socket }),
        (null, var device) => GuestParticipant.Open(new() { Device = device, Route = parsed.GetValue(_route) }),
    };

    /// <summary>For reports.</summary>
    public string NameOf(IParticipant self, ParseResult parsed) => self is GuestParticipant guest ? guest.DeviceName : parsed.GetValue(_socket)!;
}
