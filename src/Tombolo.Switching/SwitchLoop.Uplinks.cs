// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Switching;

internal sealed partial class SwitchLoop
{
    // Ports behind which is no vhost-user front end.

    /// <summary>A capture begins.</summary>
    public PortCapture Capture(string name, Stream output, CaptureOptions options, Func<PortCapture, Task> detach)
    {
        ThrowIfAny(options.Problems());
        Port port = Find(name).Port;
        if (port.Capture is not null) throw new SwitchException($"Port '{name}' is captured already; end that capture first.");
        return port.Capture = new(name, output, options, _time, detach);
    }

    /// <summary>A capture ends.</summary>
    public void EndCapture(PortCapture capture)
    {
        foreach (PortConnection connection in _ports.Values)
            if (connection.Port.Capture == capture) connection.Port.Capture = null;
    }

    /// <summary>Ends a port's capture, whoever began it.</summary>
    public PortCapture EndCapture(string name)
    {
        Port port = Find(name).Port;
        PortCapture capture = port.Capture ?? throw new SwitchException($"Port '{name}' is not captured.");
        EndCapture(port);
        return capture;
    }

    private static void EndCapture(Port port)
    {
        port.Capture?.End();
        port.Capture = null;
    }

    public void NoteUplinkEnd(UplinkPort port, ulong token, string reason) => Commands.Post(() =>
    {
        if (!_ports.TryGetValue(port.Name, out PortConnection? connection) || !connection.Pollers.TryGetValue(0, out (DataThread Thread, ulong Token) poller) || poller.Token != token) return;
        Log.UplinkEnded(_log, port.Name, reason);
        EndUplink(connection, reason);
    });

    private void OpenUplink(PortConnection connection)
    {
        PortOptions options = connection.Port.Options;
        switch (options.Uplink)
        {
            case TapUplink tap:
                try { AttachUplink(connection, TapDevice.Open(tap.Device, tap.NetworkNamespace), isStream: false); }
                catch (LinuxException exception) { throw new SwitchException($"Port '{options.Name}': the tap cannot be had: {exception.Message}", exception); }
                break;
            case PcapUplink file:
                (SafeFd near, SafeFd far) = UnixSocket.Pair(UnixSocketKind.Stream);
                try
                {
                    UnixSocket.SetBufferSizes(near, options.BacklogBytes);
                    UnixSocket.SetBufferSizes(far, options.BacklogBytes);
                    near.SetNonBlocking();
                    far.SetNonBlocking();
                    connection.Player = new(options.Name, file, far, _time, reason => Commands.Post(() =>
                    {
                        connection.LastEnd = reason;
                        Log.UplinkEnded(_log, options.Name, reason);
                    }));
                }
                catch
                {
                    near.Dispose();
                    throw;
                }
                AttachUplink(connection, near, isStream: true);
                break;
        }
    }

    private void AttachUplink(PortConnection connection, SafeFd fd, bool isStream)
    {
        var port = (UplinkPort)connection.Port;
        if (isStream) UnixSocket.SetBufferSizes(fd, port.Options.BacklogBytes);
        port.Attach(fd, isStream);
        ulong token = _nextToken++;
        DataThread thread = _threads[port.Index % _threads.Length];
        connection.Pollers[0] = (thread, token);
        connection.ConnectAt = null;
        thread.Watch(fd, token);
        thread.Post(data => data.Add(port, token));
        Log.UplinkAttached(_log, port.Name);
    }

    // The data thread may not have seen it yet.
    private static bool HasHungUp(PortConnection connection)
    {
        if (connection.Port is not UplinkPort { Descriptor: { } fd }) return true;
        using var look = new Epoll();
        look.Add(fd, EpollEvents.ReadHangUp, 0);
        return look.Wait(new EpollReport[1], TimeSpan.Zero) > 0;
    }

    private void EndUplink(PortConnection connection, string reason)
    {
        var port = (UplinkPort)connection.Port;
        if (connection.Pollers.Remove(0, out (DataThread Thread, ulong Token) poller))
        {
            if (port.Descriptor is { } fd) poller.Thread.Unwatch(fd);
            poller.Thread.Post(data => data.RemoveUplink(poller.Token));
        }
        port.Detach();
        connection.LastEnd = reason;
        if (port.Options.IsClient || port.Options.Uplink is TapUplink) connection.ConnectAt = Soon();
    }

    private long Soon() => _time.GetTimestamp() + (long)(_options.Reconnect.TotalSeconds * _time.TimestampFrequency);
}
