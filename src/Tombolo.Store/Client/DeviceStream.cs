// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>The store of a Xen host, seen from within a domain through Linux's device /dev/xen/xenbus.</summary>
/// <remarks>
/// The kernel takes one message per write, of at most 4096 bytes with its header, and answers on read like a socket; transactions and watches end when the device is closed. A watch that the server refuses
/// is refused by the write itself. Source: Linux drivers/xen/xenbus/xenbus_dev_frontend.c.
/// </remarks>
internal sealed class DeviceStream : IStoreStream
{
    private const ulong Device = 1, End = 2;
    private readonly SafeFd _device, _end = EventFd.Create();
    private readonly Epoll _epoll = new();
    private readonly SemaphoreSlim _readable = new(0);   // may count a wake-up too many, never one too few
    private volatile bool _isClosed;

    private DeviceStream(SafeFd device) => _device = device;

    public int MostBytes => (int)StoreHeader.MaxPayload;   // struct xenbus_file_priv: the buffer of a message has XENSTORE_PAYLOAD_MAX bytes, its header among them

    /// <summary>Opens the device.</summary>
    /// <param name="path">Usually <see cref="StoreClientOptions.DevicePath"/>.</param>
    /// <exception cref="LinuxException">There is none, or it is no device that can be waited on.</exception>
    public static DeviceStream Open(string path)
    {
        DeviceStream stream = new(CharacterDevice.OpenBoth(path));
        try
        {
            stream._epoll.Add(stream._device, EpollEvents.Readable | EpollEvents.EdgeTriggered, Device);
            stream._epoll.Add(stream._end, EpollEvents.Readable, End);
        }
        catch
        {
            stream._epoll.Dispose();
            stream._end.Dispose();
            stream._device.Dispose();
            throw;
        }
        new Thread(stream.Wait) { Name = "store-device", IsBackground = true }.Start();
        return stream;
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> messages, Action<StoreHeader, int> refused)
    {
        for (int at = 0; at < messages.Length;)
        {
            ReadOnlySpan<byte> rest = messages.Span[at..];
            _ = StoreHeader.TryRead(rest, out StoreHeader header);
            int length = StoreHeader.Size + (int)header.Length;
            SocketResult result;
            do result = CharacterDevice.Write(_device, rest[..length]);
            while (result.Errno == Errno.Interrupted);
            if (result.Errno != 0) refused(header, result.Errno);
            else if (result.Bytes != length) throw new StoreException($"The store's device took {result.Bytes} of a message's {length} bytes.");
            at += length;
        }
        return default;
    }

    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        while (!_isClosed)
        {
            SocketResult result = CharacterDevice.Read(_device, buffer.Span);
            if (result.IsMoved) return result.Bytes;
            if (!result.IsWouldBlock) return result.Errno == 0 ? 0 : throw new StoreException($"The store's device cannot be read: error {result.Errno}.");
            await _readable.WaitAsync();
        }
        return 0;
    }

    public void Dispose()
    {
        if (_isClosed) return;
        _isClosed = true;
        _ = EventFd.Signal(_end);
    }

    private void Wait()
    {
        var reports = new EpollReport[2];
        while (!_isClosed)
        {
            if (_epoll.Wait(reports, Timeout.InfiniteTimeSpan) > 0) _ = _readable.Release();
        }
        _epoll.Dispose();
        _end.Dispose();
        _device.Dispose();
    }
}
