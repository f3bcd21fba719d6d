from wiremark_loadtests.users import ChatUser

__all__ = ["ChatUser"]
