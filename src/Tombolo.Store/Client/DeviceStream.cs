// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Store;

/// <summary>The host's store, seen from within a domain: through Linux's device /dev/xen/xenbus on Xen, through that of tombolo_grant.ko in a QEMU guest.</summary>
/// <remarks>
/// The kernel takes one message per write, of at most 4096 bytes with its header, and answers on read like a socket; transactions and watches end when the device is closed. A watch that the server refuses
/// is refused by the write itself. Source: Linux drivers/xen/xenbus/xenbus_dev_frontend.c. tombolo_grant.ko (guest/linux/grant_store.c) hands on bytes: it takes as many as its ring has room for, the
/// rest when there is room again.
/// </remarks>
internal sealed class DeviceStream : IStoreStream
{
    private const ulong Device = 1, End = 2;
    private readonly SafeFd _device, _end = EventFd.Create();
    private readonly Epoll _epoll = new();
    private readonly SemaphoreSlim _readable = new(0), _writable = new(0);   // may count a wake-up too many, never one too few
    private readonly Lock _closing = new();   // guards that _isClosed goes with its signal
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
            stream._epoll.Add(stream._device, EpollEvents.Readable | EpollEvents.Writable | EpollEvents.EdgeTriggered, Device);
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

    public async ValueTask SendAsync(ReadOnlyMemory<byte> messages, Action<StoreHeader, int> refused)
    {
        for (int at = 0; at < messages.Length;)
        {
            _ = StoreHeader.TryRead(messages.Span[at..], out StoreHeader header);
            int end = at + StoreHeader.Size + (int)header.Length, errno = 0;
            for (int from = at; from < end && errno == 0;)
            {
                SocketResult result = CharacterDevice.Write(_device, messages.Span[from..end]);
                if (result.IsMoved) from += result.Bytes;
                else if (result.Errno == Errno.WouldBlock) await WaitForRoomAsync();
                else if (result.Errno != Errno.Interrupted) errno = from == at && result.Errno != 0 ? result.Errno : throw new StoreException($"The store's device takes no more of a message: error {result.Errno}.");
            }
            if (errno != 0) refused(header, errno);
            at = end;
        }
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
        lock (_closing)
        {
            if (_isClosed) return;
            _isClosed = true;
            _ = EventFd.Signal(_end);
        }
    }

    private async ValueTask WaitForRoomAsync()
    {
        await _writable.WaitAsync();
        if (_isClosed) throw new StoreException("The store's device was closed.");
    }

    private void Wait()
    {
        var reports = new EpollReport[2];
        while (!_isClosed)
        {
            if (_epoll.Wait(reports, Timeout.InfiniteTimeSpan) == 0) continue;
            _ = _readable.Release();
            if (_writable.CurrentCount == 0) _ = _writable.Release();   // nobody else releases it
        }
        _ = _readable.Release();   // who began to wait after the last report
        _ = _writable.Release();
        lock (_closing)   // whoever closes it has signalled
        {
            _epoll.Dispose();
            _end.Dispose();
            _device.Dispose();
        }
    }
}
