// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;
using System.Text;

namespace Tombolo.Samples.ZeroMq;

/// <summary>What a socket does. Source: zmq.h of libzmq 4.3.</summary>
internal enum SocketType
{
    Sub = 2,
    Req = 3,
    Rep = 4,
    Pull = 7,
    Push = 8,
    XPub = 9,
}

/// <summary>One ZeroMQ socket with a context of its own: all that these programs need of libzmq. For one thread.</summary>
internal sealed partial class ZmqSocket : IDisposable
{
    private const string Library = "libzmq.so.5";
    private const int Subscribe = 6, ReceiveTimeout = 27;   // socket options
    private const int Interrupted = 4, Again = 11;          // EINTR, EAGAIN
    private readonly nint _context, _socket;

    public ZmqSocket(SocketType type)
    {
        _context = ContextNew();
        if (_context == 0) throw Failed("zmq_ctx_new");
        _socket = Socket(_context, (int)type);
        if (_socket != 0) return;
        ZmqException fault = Failed("zmq_socket");
        _ = ContextTerm(_context);
        throw fault;
    }

    public void Bind(string endpoint) => Check(Bind(_socket, endpoint), $"zmq_bind {endpoint}");

    public void Connect(string endpoint) => Check(Connect(_socket, endpoint), $"zmq_connect {endpoint}");

    /// <summary>Wants everything that is published.</summary>
    public void SubscribeToAll() => Check(SetOption(_socket, Subscribe, [], 0), "zmq_setsockopt");

    public void Send(ReadOnlySpan<byte> message)
    {
        int sent;
        while ((sent = Send(_socket, message, (nuint)message.Length, 0)) < 0 && Errno() == Interrupted) { }
        Check(sent, "zmq_send");
    }

    public void Send(string text) => Send(Encoding.UTF8.GetBytes(text));

    /// <summary>Takes the next message, and waits for it.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <returns>Its length; more than the buffer's where it was cut.</returns>
    public int Receive(Span<byte> buffer)
    {
        int length;
        while ((length = Receive(_socket, buffer, (nuint)buffer.Length, 0)) < 0 && Errno() == Interrupted) { }
        Check(length, "zmq_recv");
        return length;
    }

    /// <summary>Takes the next message of text, at most 255 bytes.</summary>
    public string ReceiveText()
    {
        Span<byte> buffer = stackalloc byte[255];
        return Encoding.UTF8.GetString(buffer[..Math.Min(Receive(buffer), buffer.Length)]);
    }

    /// <summary>Waits for a message, and throws it away.</summary>
    /// <returns>False where none came in time.</returns>
    public bool TryDiscard(TimeSpan patience)
    {
        int milliseconds = (int)patience.TotalMilliseconds;
        Check(SetOption(_socket, ReceiveTimeout, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in milliseconds)), sizeof(int)), "zmq_setsockopt");
        int length;
        while ((length = Receive(_socket, [], 0, 0)) < 0 && Errno() == Interrupted) { }
        if (length < 0 && Errno() == Again) return false;
        Check(length, "zmq_recv");
        return true;
    }

    /// <summary>Closes it once everything that was sent has gone.</summary>
    public void Dispose()
    {
        _ = Close(_socket);
        while (ContextTerm(_context) < 0 && Errno() == Interrupted) { }
    }

    private static void Check(int result, string call)
    {
        if (result < 0) throw Failed(call);
    }

    private static ZmqException Failed(string call) => new(call, Marshal.PtrToStringUTF8(ErrorText(Errno())) ?? "unknown");

    [LibraryImport(Library, EntryPoint = "zmq_ctx_new")] private static partial nint ContextNew();
    [LibraryImport(Library, EntryPoint = "zmq_ctx_term")] private static partial int ContextTerm(nint context);
    [LibraryImport(Library, EntryPoint = "zmq_socket")] private static partial nint Socket(nint context, int type);
    [LibraryImport(Library, EntryPoint = "zmq_close")] private static partial int Close(nint socket);
    [LibraryImport(Library, EntryPoint = "zmq_bind", StringMarshalling = StringMarshalling.Utf8)] private static partial int Bind(nint socket, string endpoint);
    [LibraryImport(Library, EntryPoint = "zmq_connect", StringMarshalling = StringMarshalling.Utf8)] private static partial int Connect(nint socket, string endpoint);
    [LibraryImport(Library, EntryPoint = "zmq_setsockopt")] private static partial int SetOption(nint socket, int option, ReadOnlySpan<byte> value, nuint length);
    [LibraryImport(Library, EntryPoint = "zmq_send")] private static partial int Send(nint socket, ReadOnlySpan<byte> message, nuint length, int flags);
    [LibraryImport(Library, EntryPoint = "zmq_recv")] private static partial int Receive(nint socket, Span<byte> buffer, nuint length, int flags);
    [LibraryImport(Library, EntryPoint = "zmq_errno")] private static partial int Errno();
    [LibraryImport(Library, EntryPoint = "zmq_strerror")] private static partial nint ErrorText(int error);
}
